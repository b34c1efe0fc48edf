"""From a concept to its forget set: searching captions, reading what matches, writing it with a manifest."""
