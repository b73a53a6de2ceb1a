Events reach their consumers sooner and for less: what an iteration of the loop delivers is one write for each connection.
