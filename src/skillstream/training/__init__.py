"""Fine-tuning: where training pairs come from, how they are cleaned and split, and the recipes.

Nothing here imports Beam (the pipeline is `skillstream.pipelines.training_data`), and torch is imported only
while a model is trained.
"""
