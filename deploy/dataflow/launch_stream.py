"""What the flex template's launcher runs: the pipeline with the model and the index of the image."""

import sys

from skillstream.pipelines import tag_stream

IN_THE_IMAGE = ["--model=/opt/skillstream/model", "--index=/opt/skillstream/index"]

sys.exit(tag_stream.main([*IN_THE_IMAGE, *sys.argv[1:]]))
