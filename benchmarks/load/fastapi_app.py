"""A server of thirty lines, as people write it: what Bertie's is compared with."""

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer

model = SentenceTransformer(sys.argv[1], device="cpu")
app = FastAPI()


class Texts(BaseModel):
    texts: list[str]


@app.get("/health")
def health() -> dict[str, bool]:
    return {"ok": True}


@app.post("/embed")
def embed(body: Texts) -> dict[str, list[list[float]]]:
    return {"embeddings": model.encode(body.texts).tolist()}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
