"""Run BERT-family encoders in production."""
