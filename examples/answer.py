"""Answer questions from a text, with the place where each answer stands.

Run it: python examples/answer.py MODEL ["a question of your own" ...]
MODEL was trained on SQuAD or its like, such as what examples/finetune/xquad.py writes.
"""

import sys

import bertie

TEXT = (
    "The Forth Bridge crosses the Firth of Forth west of Edinburgh. It was designed by John Fowler"
    " and Benjamin Baker, and it was opened on 4 March 1890 by the Prince of Wales. The bridge is"
    " 2467 metres long, and its two main spans of 521 metres were the longest in the world until"
    " the Quebec Bridge was finished in 1917. More than 50 000 tonnes of steel were used, held"
    " together by six and a half million rivets. Trains between Edinburgh and Dundee still use it."
)
QUESTIONS = sys.argv[2:] or [
    "Who designed the bridge?",
    "When was the bridge opened?",
    "How long is the bridge?",
    "What holds the steel together?",
]

model = bertie.load(sys.argv[1], task="answer")

for question, answer in zip(QUESTIONS, model.answer(QUESTIONS, TEXT), strict=True):
    assert TEXT[answer.start : answer.end] == answer.text
    print(f"{question}\n  {answer.score:.3f}  {answer.text}  ({answer.start} to {answer.end})")
