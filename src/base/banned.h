// SPDX-License-Identifier: Apache-2.0
// Included before every file (see the Makefile): functions that write without a limit, keep hidden state or cannot
// tell an error from a value are a compile error. Use base/text.h, base/buf.h and base/clock.h instead.
#pragma once
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf gets
#pragma GCC poison strtok asctime ctime gmtime localtime
#pragma GCC poison atoi atol atoll atof tmpnam tempnam mktemp
#pragma GCC poison popen usleep
