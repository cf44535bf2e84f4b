"""chat over GraphQL: the same sessions, questions and answers as over REST, and streams over a WebSocket."""
