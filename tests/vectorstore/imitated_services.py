"""Invented messages in the manner of servers and services, under the template of each group."""

from __future__ import annotations

SPARK = {
    "Running task <*> in stage <*> (TID <*>)": ["Running task 0.0 in stage 0.0 (TID 0)", "Running task 31.0 in stage 7.0 (TID 439)"],
    "Finished task <*> in stage <*> (TID <*>). <*> bytes result sent to driver": [
        "Finished task 0.0 in stage 0.0 (TID 0). 2703 bytes result sent to driver",
        "Finished task 31.0 in stage 7.0 (TID 439). 1931 bytes result sent to driver",
    ],
    "Found block <*> locally": ["Found block rdd_2_3 locally", "Found block rdd_42_11 locally"],
    "Block <*> stored as values in memory (estimated size <*>, free <*>)": [
        "Block broadcast_9 stored as values in memory (estimated size 9.6 KB, free 384.4 KB)",
        "Block rdd_2_4 stored as values in memory (estimated size 16.0 B, free 1.2 MB)",
    ],
    "Block <*> stored as bytes in memory (estimated size <*>, free <*>)": [
        "Block broadcast_9_piece0 stored as bytes in memory (estimated size 5.2 KB, free 374.8 KB)",
        "Block broadcast_10_piece0 stored as bytes in memory (estimated size 93.0 B, free 2.4 MB)",
    ],
    "Input split: <*>:<*>+<*>": [
        "Input split: hdfs://10.10.34.11:9000/pjhe/logs/2kSOSP.log:7292+7292",
        "Input split: hdfs://10.10.34.11:9000/pjhe/logs/2kSOSP.log:21876+7292",
    ],
    "Getting <*> non-empty blocks out of <*> blocks": ["Getting 2 non-empty blocks out of 2 blocks", "Getting 0 non-empty blocks out of 40 blocks"],
    "Started <*> remote fetches in <*> ms": ["Started 0 remote fetches in 0 ms", "Started 12 remote fetches in 7 ms"],
    "Registered signal handlers for [TERM, HUP, INT]": ["Registered signal handlers for [TERM, HUP, INT]"],
    "Changing view acls to: <*>": ["Changing view acls to: yarn,curi"],
    "Times: total = <*>, boot = <*>, init = <*>, finish = <*>": [
        "Times: total = 40, boot = -1142, init = 1181, finish = 1", "Times: total = 39, boot = 4, init = 35, finish = 0",
    ],
    "Started reading broadcast variable <*>": ["Started reading broadcast variable 9", "Started reading broadcast variable 10"],
    "Reading broadcast variable <*> took <*> ms": ["Reading broadcast variable 9 took 26 ms", "Reading broadcast variable 10 took 160 ms"],
}

WINDOWS = {
    "Loaded Servicing Stack <*> with Core: <*>": [
        r"Loaded Servicing Stack v6.1.7601.23505 with Core: C:\Windows\winsxs\amd64_microsoft-windows-servicingstack_31bf3856ad364e35_6.1.7601.23505_none_681aa442f6fed7f0\cbscore.dll",
        r"Loaded Servicing Stack v6.1.7601.17592 with Core: C:\Windows\winsxs\amd64_x_31bf3856ad364e35_6.1.7601.17592_none_0935b76c289e0fd5\cbscore.dll",
    ],
    "Session: <*> initialized by client <*>.": [
        "Session: 30546173_4261722401 initialized by client WindowsUpdateAgent.",
        "Session: 30546354_3272974401 initialized by client WindowsUpdateAgent.",
    ],
    "SQM: Initializing online with Windows opt-in: <*>": ["SQM: Initializing online with Windows opt-in: False"],
    "SQM: Failed to start upload with file pattern: <*>, flags: <*> [HRESULT = <*> - E_FAIL]": [
        r"SQM: Failed to start upload with file pattern: C:\Windows\servicing\sqm\*_std.sqm, flags: 0x2 [HRESULT = 0x80004005 - E_FAIL]",
        r"SQM: Failed to start upload with file pattern: C:\Windows\servicing\sqm\*_all.sqm, flags: 0x6 [HRESULT = 0x80004005 - E_FAIL]",
    ],
    "Read out cached package applicability for package: <*>, ApplicableState: <*>, CurrentState:<*>": [
        "Read out cached package applicability for package: Package_for_KB2928120~31bf3856ad364e35~amd64~~6.1.1.2, ApplicableState: 112, CurrentState:112",
        "Read out cached package applicability for package: Package_for_KB3177467~31bf3856ad364e35~amd64~~6.1.1.0, ApplicableState: 0, CurrentState:0",
    ],
    "<*>@<*> WcpInitialize (wcp.dll version <*>) called (stack @<*> @<*> @<*>)": [
        "00000001@2016/9/27:20:30:31.455 WcpInitialize (wcp.dll version 0.0.0.6) called (stack @0x7fed806eb5d @0x7fef9fb9b6d @0x7fef9f8358f)",
        "00000003@2016/9/28:04:30:31.124 WcpInitialize (wcp.dll version 0.0.0.6) called (stack @0x7fed806eb5d @0x7fef8ba2e5d @0x7fef8b7a8cf)",
    ],
    "Warning: Unrecognized packageExtended attribute.": ["Warning: Unrecognized packageExtended attribute."],
    "Expecting attribute name [HRESULT = <*> - CBS_E_MANIFEST_INVALID_ITEM]": ["Expecting attribute name [HRESULT = 0x800f080d - CBS_E_MANIFEST_INVALID_ITEM]"],
    "Startup: current startup count is <*>": ["Startup: current startup count is 2", "Startup: current startup count is 11"],
}

PROXIFIER = {
    "<*>:<*> open through proxy <*>:<*> HTTPS": [
        "proxy.campus.edu.hk:5070 open through proxy proxy.campus.edu.hk:5070 HTTPS",
        "get.sogou.com:80 open through proxy proxy.campus.edu.hk:5070 HTTPS",
        "183.62.156.108:27 open through proxy socks.campus.edu.hk:5070 HTTPS",
    ],
    "<*>:<*> open through proxy <*>:<*> SOCKS5": ["183.62.156.108:22 open through proxy socks.campus.edu.hk:5070 SOCKS5"],
    "<*>:<*> close, <*> bytes sent, <*> bytes received, lifetime <*>": [
        "proxy.campus.edu.hk:5070 close, 403 bytes sent, 426 bytes received, lifetime <1 sec",
        "get.sogou.com:80 close, 651 bytes sent, 546 bytes received, lifetime 00:03",
    ],
    "<*>:<*> close, <*> bytes (<*> KB) sent, <*> bytes (<*> KB) received, lifetime <*>": [
        "proxy.campus.edu.hk:5070 close, 1190 bytes (1.16 KB) sent, 1671 bytes (1.63 KB) received, lifetime 00:02",
        "qqmail.com:443 close, 1293 bytes (1.26 KB) sent, 5122 bytes (5.00 KB) received, lifetime <1 sec",
    ],
    "<*>:<*> error : Could not connect to proxy <*>:<*> - connection attempt failed with error <*>": [
        "play.google.com:443 error : Could not connect to proxy proxy.campus.edu.hk:5070 - connection attempt failed with error 10061",
        "10.2.3.4:993 error : Could not connect to proxy proxy.campus.edu.hk:5070 - connection attempt failed with error 10060",
    ],
}

KUBERNETES = {
    "Successfully assigned <*> to node-<*>": [
        "Successfully assigned shop/cart-7d9f8b6c5-x2x9z to node-3", "Successfully assigned shop/web-5c4d7f9b8d-lk2vp to node-1",
        "Successfully assigned default/redis-0 to node-2",
    ],
    "Back-off restarting failed container <*> in pod <*>": [
        "Back-off restarting failed container cart in pod cart-7d9f8b6c5-x2x9z_shop(5f0e3e4c-1b1a-4b6e-9d5a-0c9a4c1f2e11)",
        "Back-off restarting failed container web in pod web-5c4d7f9b8d-lk2vp_shop(0a1b2c3d-1b1a-4b6e-9d5a-0c9a4c1f2e12)",
        "Back-off restarting failed container sidecar in pod api-6b8f9c7d5-qq7rs_shop(1a1b2c3d-1b1a-4b6e-9d5a-0c9a4c1f2e13)",
        "Back-off restarting failed container db in pod db-0_shop(2a1b2c3d-1b1a-4b6e-9d5a-0c9a4c1f2e14)",
        "Back-off restarting failed container init in pod init-0_shop(3a1b2c3d-1b1a-4b6e-9d5a-0c9a4c1f2e15)",
    ],
    'Readiness probe failed: Get "<*>": dial tcp <*>:<*>: connect: connection refused': [
        'Readiness probe failed: Get "http://10.244.1.17:8080/healthz": dial tcp 10.244.1.17:8080: connect: connection refused',
        'Readiness probe failed: Get "http://10.244.2.9:9090/ready": dial tcp 10.244.2.9:9090: connect: connection refused',
    ],
    'Pulling image "<*>"': ['Pulling image "registry.example.com/shop/cart:v1.2.3"', 'Pulling image "nginx:1.25"', 'Pulling image "redis:7-alpine"'],
    'Successfully pulled image "<*>" in <*> (<*> including waiting)': [
        'Successfully pulled image "nginx:1.25" in 2.31s (2.31s including waiting)',
        'Successfully pulled image "registry.example.com/shop/cart:v1.2.3" in 812ms (1.3s including waiting)',
    ],
    "Scaled up replica set <*> to <*> from <*>": [
        "Scaled up replica set cart-7d9f8b6c5 to 3 from 1", "Scaled up replica set web-5c4d7f9b8d to 2 from 0",
    ],
    "Stopping container <*>": ["Stopping container cart", "Stopping container web", "Stopping container db", "Stopping container api",
                               "Stopping container redis", "Stopping container worker"],
}

POSTGRES = {
    "connection authorized: user=<*> database=<*> application_name=<*>": [
        "connection authorized: user=shop database=orders application_name=psql",
        "connection authorized: user=billing database=invoices application_name=pgbench",
    ],
    "connection received: host=<*> port=<*>": ["connection received: host=10.0.3.7 port=53122", "connection received: host=10.0.3.9 port=40112"],
    'duplicate key value violates unique constraint "<*>"': [
        'duplicate key value violates unique constraint "orders_pkey"', 'duplicate key value violates unique constraint "users_email_key"',
        'duplicate key value violates unique constraint "items_sku_key"', 'duplicate key value violates unique constraint "carts_pkey"',
        'duplicate key value violates unique constraint "carts_user_key"',
    ],
    'password authentication failed for user "<*>"': ['password authentication failed for user "postgres"', 'password authentication failed for user "admin"'],
    "checkpoint starting: time": ["checkpoint starting: time"],
    "checkpoint complete: wrote <*> buffers (<*>%); <*> WAL file(s) added, <*> removed, <*> recycled; write=<*> s, sync=<*> s, total=<*> s": [
        "checkpoint complete: wrote 44 buffers (0.3%); 0 WAL file(s) added, 0 removed, 0 recycled; write=4.311 s, sync=0.004 s, total=4.321 s",
        "checkpoint complete: wrote 9120 buffers (55.7%); 1 WAL file(s) added, 0 removed, 3 recycled; write=269.905 s, sync=0.031 s, total=270.1 s",
    ],
    'relation "<*>" does not exist at character <*>': [
        'relation "widgets" does not exist at character 15', 'relation "tmp_orders" does not exist at character 22',
        'relation "users_old" does not exist at character 15', 'relation "foo" does not exist at character 9', 'relation "bar" does not exist at character 9',
    ],
    "automatic vacuum of table \"<*>\": index scans: <*>": [
        'automatic vacuum of table "shop.public.orders": index scans: 1', 'automatic vacuum of table "shop.public.items": index scans: 0',
    ],
}

NGINX = {
    '<*>#<*>: *<*> connect() failed (<*>: Connection refused) while connecting to upstream, client: <*>, server: <*>, request: "GET <*>", upstream: "<*>", host: "<*>"': [
        '31#31: *1204 connect() failed (111: Connection refused) while connecting to upstream, client: 10.1.2.3, server: shop.example.com, request: "GET /api/cart HTTP/1.1", upstream: "http://10.0.0.7:8080/api/cart", host: "shop.example.com"',
        '31#31: *1999 connect() failed (111: Connection refused) while connecting to upstream, client: 10.1.2.9, server: shop.example.com, request: "GET / HTTP/1.1", upstream: "http://10.0.0.7:8080/", host: "shop.example.com"',
    ],
    '<*>#<*>: *<*> open() "<*>" failed (<*>: No such file or directory), client: <*>, server: <*>, request: "GET <*>", host: "<*>"': [
        '31#31: *77 open() "/usr/share/nginx/html/favicon.ico" failed (2: No such file or directory), client: 10.1.2.3, server: localhost, request: "GET /favicon.ico HTTP/1.1", host: "shop.example.com"',
        '32#32: *81 open() "/usr/share/nginx/html/robots.txt" failed (2: No such file or directory), client: 66.249.66.1, server: localhost, request: "GET /robots.txt HTTP/1.1", host: "shop.example.com"',
    ],
    "<*>#<*>: signal <*> (SIGCHLD) received from <*>": ["1#1: signal 17 (SIGCHLD) received from 31", "1#1: signal 17 (SIGCHLD) received from 32"],
    "<*>#<*>: worker process <*> exited with code <*>": ["1#1: worker process 31 exited with code 0", "1#1: worker process 33 exited with code 1"],
}
