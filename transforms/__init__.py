"""The Beam component: PTransforms and DoFns of a few lines around functions of `skillstream`.

As little logic as possible lives here: what a transform does to one chunk is a plain function that
can be read, tested and used without a runner. Transforms never import pipelines.
"""
