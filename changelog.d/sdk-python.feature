`sdk/python`: a typed, asynchronous client whose types and operations are generated from `api-spec`.
