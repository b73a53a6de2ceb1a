Texts: `PUT /endpoints/sendMessage` and `/endpoints/{tech}/{resource}/sendMessage` send SIP MESSAGE, and what phones
send arrives as TextMessageReceived and runs the dialplan (`MESSAGE()`, `MESSAGE_DATA()`, MessageSend); `POST /endpoints/refer` asks a phone to call somebody.
