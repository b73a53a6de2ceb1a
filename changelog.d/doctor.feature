`arion doctor` looks a server and its machine over, and says what is wrong and what to do.
