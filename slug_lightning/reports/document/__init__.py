"""The deletion report as a document: what it says as plain blocks, and how the blocks become a PDF."""
