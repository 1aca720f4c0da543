// SPDX-License-Identifier: Apache-2.0
// A product of two 640 x 640 matrices of doubles.
#include <stdio.h>

#define N 640
static double a[N][N], b[N][N], c[N][N];

int main(void) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = i + j;
            b[i][j] = i - j;
        }
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            for (int j = 0; j < N; j++)
                c[i][j] += a[i][k] * b[k][j];
    printf("%.0f\n", c[N / 2][N / 3]);
    return 0;
}
