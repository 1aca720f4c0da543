# SPDX-License-Identifier: Apache-2.0
UNITS += http
http.needs := base codec
http.libs := -lmicrohttpd -lcurl
