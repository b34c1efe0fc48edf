"""A miniature Stable Diffusion that draws digits in styles, and the two classifiers that judge its images."""
