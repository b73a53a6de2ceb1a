Texts: `PUT /endpoints/sendMessage` and `/endpoints/{tech}/{resource}/sendMessage` send SIP MESSAGE, and what phones
send arrives as TextMessageReceived; `POST /endpoints/refer` asks a phone to call somebody.
