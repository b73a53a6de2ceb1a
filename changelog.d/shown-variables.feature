Variables of channels may be `{"value": …, "report_events": true}`, as for bridges, when a channel is made and when several are set.
