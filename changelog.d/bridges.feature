ARI: bridge variables (`/bridges/{id}/variable` and `/variables`, and `variables` at creation), video sources, and every bridge type with Asterisk's video mode.
