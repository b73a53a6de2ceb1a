`arion/testing` for Node: a server on free ports, and phones that call, press keys, speak and recognise prompts; `python -m arion.testing.remote` offers the same to other languages.
