# SPDX-License-Identifier: Apache-2.0
# The core includes no other unit and no C library, since contracts and browsers compile it, too (`make check` holds it to
# that); base is for its tests and fuzz targets. A program that links it natively gets the back end of OpenSSL with it.
UNITS += dcap
dcap.needs := base
dcap.libs := -lcrypto
