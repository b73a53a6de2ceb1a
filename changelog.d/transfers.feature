Transfers by phones, blind and attended, work in the dialplan and in Stasis bridges; a channel with
`PJSIP_TRANSFER_HANDLING()=ari-only` leaves them to its application (ChannelTransfer, `transfer_progress`).
