"""The miniature world: real scans drawn in ten styles, in the layouts of LAION, CelebA and ImageNet.

It is the offline stand-in for the large data: everything that runs on the real folders runs on these, with a
small CLIP that is shipped beside them (``miniature/model``) and was trained on the training shards only.
"""
