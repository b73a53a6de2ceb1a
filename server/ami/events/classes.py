"""The class of each event: who may hear it."""

from __future__ import annotations

from server.ami.permissions import NAMES

_BY_CLASS = {
    "agent": """
        AgentCalled AgentComplete AgentConnect AgentDump AgentLogin AgentLogoff AgentRingNoAnswer
        Agents AgentsComplete QueueCallerAbandon QueueCallerJoin QueueCallerLeave QueueEntry
        QueueMemberAdded QueueMemberPause QueueMemberPenalty QueueMemberRemoved
        QueueMemberRinginuse QueueMemberStatus QueueParams
    """,
    "agi": """
        AGIExecEnd AGIExecStart AsyncAGIEnd AsyncAGIExec AsyncAGIStart
    """,
    "aoc": """
        AOC-D AOC-E AOC-S
    """,
    "call": """
        AttendedTransfer BlindTransfer BridgeCreate BridgeDestroy BridgeEnter BridgeLeave
        BridgeMerge BridgeVideoSourceUpdate CEL ChanSpyStart ChanSpyStop ChannelTalkingStart
        ChannelTalkingStop ConfbridgeEnd ConfbridgeJoin ConfbridgeLeave ConfbridgeMute
        ConfbridgeRecord ConfbridgeStart ConfbridgeStopRecord ConfbridgeTalking ConfbridgeUnmute
        CoreShowChannel CoreShowChannelMapComplete CoreShowChannelsComplete DAHDIChannel
        DeviceStateChange DialBegin DialEnd DialState ExtensionStatus FAXSessionsComplete
        FAXStatus Flash Hangup HangupRequest Hold LocalBridge LocalOptimizationBegin
        LocalOptimizationEnd MCID MeetmeEnd MeetmeJoin MeetmeLeave MeetmeList MeetmeListRooms
        MeetmeMute MeetmeTalkRequest MeetmeTalking MessageWaiting MiniVoiceMail MixMonitorMute
        MixMonitorStart MixMonitorStop MusicOnHoldStart MusicOnHoldStop NewAccountCode NewCallerid
        NewConnectedLine Newchannel Newstate OriginateResponse ParkedCall ParkedCallGiveUp
        ParkedCallSwap ParkedCallTimeOut Pickup PresenceStateChange PresenceStatus ReceiveFAX
        Rename SendFAX SoftHangupRequest Status StatusComplete UnParkedCall Unhold Wink
    """,
    "cc": """
        CCAvailable CCCallerRecalling CCCallerStartMonitoring CCCallerStopMonitoring CCFailure
        CCMonitorFailed CCOfferTimerStart CCRecallComplete CCRequestAcknowledged CCRequested
    """,
    "cdr": """
        Cdr
    """,
    "command": """
        AorDetail AorList AorListComplete AuthDetail AuthList AuthListComplete BridgeInfoChannel
        BridgeInfoComplete ContactList ContactListComplete ContactStatusDetail
        DeviceStateListComplete EndpointDetail EndpointDetailComplete EndpointList
        EndpointListComplete ExtensionStateListComplete IdentifyDetail InboundRegistrationDetail
        InboundSubscriptionDetail OutboundRegistrationDetail OutboundSubscriptionDetail
        PresenceStateListComplete ResourceListDetail TransportDetail
    """,
    "dialplan": """
        HangupHandlerPop HangupHandlerPush HangupHandlerRun Newexten VarSet
    """,
    "dtmf": """
        DTMFBegin DTMFEnd
    """,
    "reporting": """
        ConfbridgeList ConfbridgeListRooms FAXSession FAXSessionsEntry FAXStats MWIGet
        MWIGetComplete RTCPReceived RTCPSent TestEvent
    """,
    "security": """
        AuthMethodNotAllowed ChallengeResponseFailed ChallengeSent FailedACL InvalidAccountID
        InvalidPassword InvalidTransport LoadAverageLimit MemoryLimit RequestBadFormat
        RequestNotAllowed RequestNotSupported SessionLimit SuccessfulAuth UnexpectedAddress
    """,
    "system": """
        Alarm AlarmClear CloseSession ContactStatus DNDState DeadlockStart FullyBooted Load
        LogChannel MobileStatus PJSIPMaintenanceStatus PeerStatus Registry Reload Shutdown
        SpanAlarm SpanAlarmClear Unload
    """,
    "user": """
        JabberStatus UserEvent VoicemailPasswordChange
    """,
}

CLASSES: dict[str, int] = {
    name: NAMES[permission] for permission, names in _BY_CLASS.items() for name in names.split()
}
