The JavaScript SDK: typed, for Node 20 and browsers, with things that have methods, waiting without races, and streams of events that resume.
