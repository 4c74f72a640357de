"""Invented messages in the manner of operating systems, clusters and phones, under the template of each group."""

from __future__ import annotations

LINUX = {
    "authentication failure; logname= uid=<*> euid=<*> tty=NODEVssh ruser= rhost=<*>": [
        "authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=218.188.2.4",
        "authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=mail.harbour-tools.example.net",
        "authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=61-220-159-99.hinet-ip.hinet.net",
    ],
    "authentication failure; logname= uid=<*> euid=<*> tty=NODEVssh ruser= rhost=<*> user=<*>": [
        "authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=60.30.224.116  user=root",
        "authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=plum.orchard.ru  user=guest",
    ],
    "check pass; user unknown": ["check pass; user unknown"],
    "session opened for user <*> by (uid=<*>)": [
        "session opened for user cyrus by (uid=0)", "session opened for user news by (uid=0)",
        "session opened for user test by (uid=509)",
    ],
    "session closed for user <*>": ["session closed for user cyrus", "session closed for user news"],
    "connection from <*> (<*>) at <*>": [
        "connection from 82.83.227.67 (dsl-082-083-227-067.arcor-ip.net) at Wed Jun 29 10:12:31 2005",
        "connection from 84.102.20.2 (2.20.102-84.rev.gaoland.net) at Sun Jul 24 02:38:22 2005",
    ],
    "ALERT exited abnormally with [<*>]": ["ALERT exited abnormally with [1]", "ALERT exited abnormally with [255]"],
    "usb <*>-<*>: new full speed USB device number <*> using uhci_hcd": [
        "usb 1-1: new full speed USB device number 2 using uhci_hcd",
        "usb 2-1.4: new full speed USB device number 12 using uhci_hcd",
    ],
    "<*> startup succeeded": [
        "syslogd startup succeeded", "klogd startup succeeded", "irqbalance startup succeeded",
        "portmap startup succeeded", "rpc.statd startup succeeded", "crond startup succeeded",
        "xinetd startup succeeded", "sshd startup succeeded",
    ],
    "Memory: <*>/<*> available (<*> kernel code, <*> reserved, <*> data, <*> init, <*> highmem)": [
        "Memory: 125312k/129720k available (1540k kernel code, 3860k reserved, 599k data, 144k init, 0k highmem)",
    ],
    "Freeing initrd memory: <*> freed": ["Freeing initrd memory: 100k freed"],
    "EXT3 FS on <*>, internal journal": ["EXT3 FS on hda2, internal journal", "EXT3 FS on sda1, internal journal"],
    "TCP bind hash table entries: <*> (order: <*>, <*> bytes)": [
        "TCP bind hash table entries: 8192 (order: 4, 65536 bytes)",
    ],
    "Out of Memory: Killed process <*> (<*>).": [
        "Out of Memory: Killed process 2914 (httpd).", "Out of Memory: Killed process 777 (mysqld).",
        "Out of Memory: Killed process 12010 (java).",
    ],
    "cupsd shutdown succeeded": ["cupsd shutdown succeeded"],
}

MAC = {
    "Thermal pressure state: <*> Memory pressure state: <*>": [
        "Thermal pressure state: 1 Memory pressure state: 0", "Thermal pressure state: 0 Memory pressure state: 2",
    ],
    "ARPT: <*>: wl0: MDNS: IPV6 Addr: <*>": [
        "ARPT: 620701.011328: wl0: MDNS: IPV6 Addr: 2607:f140:6000:8:c6b3:1ff:fecd:467f",
        "ARPT: 620799.252673: wl0: MDNS: IPV6 Addr: fe80:0:0:0:c6b3:1ff:fecd:467f",
    ],
    "ARPT: <*>: AirPort_Brcm43xx::powerChange: System Sleep": [
        "ARPT: 620750.434035: AirPort_Brcm43xx::powerChange: System Sleep",
        "ARPT: 620797.000012: AirPort_Brcm43xx::powerChange: System Sleep",
    ],
    "Unable to simultaneously satisfy constraints:": ["Unable to simultaneously satisfy constraints:"],
    "en0: channel changed to <*>": ["en0: channel changed to 132,+1", "en0: channel changed to 6"],
    "Failed to apply update for app <*> error <*>": [
        "Failed to apply update for app com.example.Notes error -1009",
        "Failed to apply update for app com.example.Maps error -50",
        "Failed to apply update for app com.sample.tools.Mail error -1009",
        "Failed to apply update for app org.sample.Reader error -2",
        "Failed to apply update for app com.example.Chess error -1009",
    ],
    "-[SOAppUsageMonitor _schedule:]: fired after <*> seconds": [
        "-[SOAppUsageMonitor _schedule:]: fired after 60.2 seconds",
        "-[SOAppUsageMonitor _schedule:]: fired after 59.9 seconds",
    ],
    "Sandbox: <*>(<*>) deny(<*>) mach-lookup <*>": [
        "Sandbox: com.apple.Addres(37329) deny(1) mach-lookup com.apple.webinspector",
        "Sandbox: mdworker(12311) deny(1) mach-lookup com.apple.ls.boxd",
        "Sandbox: QQ(10018) deny(1) mach-lookup com.apple.networking.captivenetworksupport",
    ],
    "Wake reason: <*>": ["Wake reason: ARPT (Network)", "Wake reason: RTC (Alarm)", "Wake reason: EC.LidOpen (User)"],
    "CCFile::captureLogRun Skipping current file Dir file [<*>], Current File [<*>]": [
        "CCFile::captureLogRun Skipping current file Dir file [2017-07-04_15,59,49.584531.log], Current File [2017-07-04_15,59,49.584531.log]",
        "CCFile::captureLogRun Skipping current file Dir file [2017-07-05_01,02,03.000001.log], Current File [2017-07-05_01,02,03.000001.log]",
    ],
}

THUNDERBIRD = {
    "session opened for user <*> by (uid=<*>)": ["session opened for user root by (uid=0)"],
    "session closed for user <*>": ["session closed for user root"],
    "(<*>) CMD (run-parts <*>)": ["(root) CMD (run-parts /etc/cron.hourly)"],
    "data_thread() got not answer from any [<*>] datasource": [
        "data_thread() got not answer from any [Storm_A8] datasource",
        "data_thread() got not answer from any [Storm_C4] datasource",
        "data_thread() got not answer from any [Storm_B1] datasource",
        "data_thread() got not answer from any [Storm_D6] datasource",
        "data_thread() got not answer from any [Storm_A3] datasource",
    ],
    "ib_sm_sweep.c:<*>]: No topology change": ["ib_sm_sweep.c:1455]: No topology change", "ib_sm_sweep.c:1682]: No topology change"],
    "Received SNMP packet(s) from UDP: [<*>]:<*>": [
        "Received SNMP packet(s) from UDP: [127.0.0.1]:33119", "Received SNMP packet(s) from UDP: [127.0.0.1]:41912",
    ],
    "DHCPDISCOVER from <*> via <*>": [
        "DHCPDISCOVER from 00:11:43:e3:ba:c3 via eth1", "DHCPDISCOVER from 00:0e:0c:2d:00:9f via eth0",
        "DHCPDISCOVER from 5a:69:6e:0b:0c:0d via eth1",
    ],
    "DHCPOFFER on <*> to <*> via <*>": [
        "DHCPOFFER on 10.100.4.251 to 00:11:43:e3:ba:c3 via eth1", "DHCPOFFER on 10.100.4.7 to 5a:69:6e:0b:0c:0d via eth0",
    ],
    "synchronized to <*>, stratum <*>": ["synchronized to 10.100.20.250, stratum 3", "synchronized to 10.100.22.250, stratum 3"],
    "check-disks: [<*>] , Fault Status assertion": ["check-disks: [dn228:1131566479] , Fault Status assertion"],
    "to=<*>, ctladdr=<*> (<*>/<*>), delay=<*>, xdelay=<*>, mailer=relay, pri=<*>, relay=[<*>] [<*>], dsn=<*>, stat=Deferred: Connection refused by [<*>]": [
        "to=root, ctladdr=root (0/0), delay=00:00:01, xdelay=00:00:00, mailer=relay, pri=30066, relay=[127.0.0.1] [127.0.0.1], dsn=4.0.0, stat=Deferred: Connection refused by [127.0.0.1]",
        "to=root, ctladdr=root (0/0), delay=00:03:01, xdelay=00:00:00, mailer=relay, pri=34066, relay=[127.0.0.1] [127.0.0.1], dsn=4.0.0, stat=Deferred: Connection refused by [127.0.0.1]",
    ],
}

ANDROID = {
    "printFreezingDisplayLogsopening app wtoken = AppWindowToken{<*> token=Token{<*> ActivityRecord{<*> u0 <*> <*>}}}, allDrawn= <*>, startingDisplayed = <*>, isRelaunching = <*>": [
        "printFreezingDisplayLogsopening app wtoken = AppWindowToken{9f4ef63 token=Token{a64f992 ActivityRecord{de9231d u0 com.sample.qt/.activity.NewsXmlActivity t761}}}, allDrawn= false, startingDisplayed =  false, isRelaunching =  false",
        "printFreezingDisplayLogsopening app wtoken = AppWindowToken{4b2b4a token=Token{8d2c1e5 ActivityRecord{1d3b5f7 u0 com.sample.mail/.ui.Inbox t762}}}, allDrawn= true, startingDisplayed =  false, isRelaunching =  false",
    ],
    "acquire lock=<*>, flags=<*>, tag=\"<*>\", name=<*>, ws=<*>, uid=<*>, pid=<*>": [
        'acquire lock=166121161, flags=0x1, tag="View Lock", name=com.android.systemui, ws=null, uid=10037, pid=2227',
        'acquire lock=233570404, flags=0x1, tag="*launch*", name=android, ws=WorkSource{10113}, uid=1000, pid=1702',
        'acquire lock=95128130, flags=0x11, tag="RILJ_ACK_WL", name=com.android.phone, ws=null, uid=1001, pid=2626',
    ],
    "release:lock=<*>, flg=<*>, tag=\"<*>\", name=<*>, ws=<*>, uid=<*>, pid=<*>": [
        'release:lock=166121161, flg=0x0, tag="View Lock", name=com.android.systemui, ws=null, uid=10037, pid=2227',
    ],
    "setSystemUiVisibility vis=<*> mask=<*> oldVal=<*> newVal=<*> diff=<*>": [
        "setSystemUiVisibility vis=40000500 mask=ffffffff oldVal=500 newVal=40000500 diff=40000000",
        "setSystemUiVisibility vis=0 mask=1 oldVal=508 newVal=508 diff=0",
    ],
    "getRunningAppProcesses: caller <*> does not hold REAL_GET_TASKS; limiting output": [
        "getRunningAppProcesses: caller 10113 does not hold REAL_GET_TASKS; limiting output",
    ],
    "animateCollapsePanels:flags=<*>, force=<*>, delayed=<*>, mExpandedVisible=<*>": [
        "animateCollapsePanels:flags=0, force=false, delayed=false, mExpandedVisible=false",
        "animateCollapsePanels:flags=2, force=true, delayed=true, mExpandedVisible=true",
    ],
    "ready=<*>,policy=<*>,wakefulness=<*>,wksummary=<*>,bootcompleted=<*>": [
        "ready=true,policy=3,wakefulness=1,wksummary=0x23,bootcompleted=true",
        "ready=true,policy=0,wakefulness=0,wksummary=0x0,bootcompleted=false",
    ],
    "Skipping AppWindowToken{<*> token=Token{<*> ActivityRecord{<*> u0 <*> <*>}}} -- going to hide": [
        "Skipping AppWindowToken{df0798e token=Token{78af589 ActivityRecord{3b04890 u0 com.sample.qt/.activity.ForwardRecentActivity t762}}} -- going to hide",
        "Skipping AppWindowToken{c4a5f0 token=Token{1b7a3d2 ActivityRecord{99e0c1 u0 com.sample.mail/.ui.Inbox t762}}} -- going to hide",
    ],
    "Start proc <*>:<*> for activity <*>": [
        "Start proc 5301:com.sample.notes/u0a88 for activity com.sample.notes/.Main",
        "Start proc 10544:com.sample.mail/u0a12 for activity com.sample.mail/.ui.Inbox",
    ],
    "HBM brightnessOut =<*>": ["HBM brightnessOut =38", "HBM brightnessOut =111"],
}
