pjsip.conf: `type=domain_alias` gives a domain further names for endpoints and registrations
