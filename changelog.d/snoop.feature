ARI: `POST /channels/{id}/snoop` makes a channel that listens to another one (what it says, hears, or both) and whispers to it or to those who hear it.
