Example applications with tests: ivr, voicemail, click to call, queue with agents, conference with moderator, recording with pause, follow me, dashboard, campaign.
