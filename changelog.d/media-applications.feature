Saying numbers, dates, money, ranks and counted words in 25 languages, by the dialplan, ARI and AGI alike; say.conf with `mode=new`.
Applications that listen: AMD (amd.conf), WaitForSilence, WaitForNoise, BackgroundDetect, WaitForTone, ToneScan, ReceiveMF, ReceiveSF, `TONE_DETECT()`.
ControlPlayback, Authenticate, ReadExten, Morsecode, Milliwatt, Zapateller, MP3Player, StreamEcho, SendMF, SendSF, StoreDTMF, SendText, ReceiveText, and the speech recognition applications for engines that are added.
