Webhooks can share their applications (`share`, `worker`, `weight`), hear `extensions`, and be sent less (`fields`, `compact`, `filter_type`, `filter_var`).
