/* Verify a clear-signed message with OpenSSL's CMS, over and over, for tools/bench_engine.py.
 *
 * verify MESSAGE ROOT.pem SECONDS-SINCE-1970 ROUNDS
 *
 * Prints the processor time of one round in microseconds. Nothing is cached between two rounds:
 * OpenSSL has no cache of certification paths. */
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int count, char **words)
{
    if (count != 5)
        return 2;
    FILE *file = fopen(words[1], "rb");
    BIO *pem = BIO_new_file(words[2], "r");
    long rounds = atol(words[4]);
    if (file == NULL || pem == NULL)
        return 2;
    static char octets[1 << 20];
    int size = (int)fread(octets, 1, sizeof octets, file);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_add_cert(store, PEM_read_bio_X509(pem, NULL, NULL, NULL));
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)atoll(words[3]));
    X509_VERIFY_PARAM_set_purpose(X509_STORE_get0_param(store), X509_PURPOSE_SMIME_SIGN);
    double began = processor_seconds();
    for (long round = 0; round < rounds; round++) {
        BIO *in = BIO_new_mem_buf(octets, size), *content = NULL;
        BIO *out = BIO_new(BIO_s_null());
        CMS_ContentInfo *cms = SMIME_read_CMS(in, &content);
        if (cms == NULL || CMS_verify(cms, NULL, store, content, out, 0) != 1)
            return 1;
        CMS_ContentInfo_free(cms);
        BIO_free(content);
        BIO_free(out);
        BIO_free(in);
    }
    printf("%.3f\n", (processor_seconds() - began) / rounds * 1e6);
    return 0;
}
