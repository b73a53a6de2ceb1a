AMI: GetConfig, GetConfigJSON, ListCategories, CreateConfig and UpdateConfig, which keeps comments, templates and includes of the files it changes.
AMI: the dialplan, the database, hints, device and presence states, bridges, recordings, digits and texts, modules, the log, and all of PJSIP's actions.
SIP: endpoints can be put under maintenance (PJSIPSetMaintenance, `pjsip set maintenance`): calls go on, new ones are refused with 503.
