Bearer tokens in ari.conf, limited to applications, operations and endpoints, and an audit log of every write.
