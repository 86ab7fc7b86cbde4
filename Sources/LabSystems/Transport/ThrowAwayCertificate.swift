// The lab's certificate for TLS on 127.0.0.1. Its key is public on purpose: it proves nothing to anybody, and clients of a lab
// accept any certificate, or this one by `curl --cacert`. A key of its own for each lab would take longer to make than the lab to start.

/// For `localhost` and 127.0.0.1, for a hundred years; P-256, signed by itself.
enum ThrowAwayCertificate {
  static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBnDCCAUGgAwIBAgIUebVPyrLZ2qLnSx1hJHf4sYNCfIswCgYIKoZIzj0EAwIw
    FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjE3MjEzOVoYDzIxMjYxMTAy
    MTcyMTM5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAARvV9RtUVhLijHMiEMPqmbVM7kxgyW1bQP8sdjnhAbpsV+3NGHOIo8g
    WiV4+C7ZBOVCbDDfiqFF1vZM+6bn3obAo28wbTAdBgNVHQ4EFgQUPye7uoUMw4sa
    3T78L8S4hge+guowHwYDVR0jBBgwFoAUPye7uoUMw4sa3T78L8S4hge+guowDwYD
    VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
    zj0EAwIDSQAwRgIhALxqXqUBJyL8wu3MCHstDvciNeWqpmMm8SIczL6SXsThAiEA
    wh/A/Gbdk+3Dtldnum2okAjKRbu8ZFg1oU+tAEzGnhQ=
    -----END CERTIFICATE-----
    """

  static let key = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRPZrDLQ2sQbEzjLF
    RRZm3CCSypVjQjR2O25EQK/UChahRANCAARvV9RtUVhLijHMiEMPqmbVM7kxgyW1
    bQP8sdjnhAbpsV+3NGHOIo8gWiV4+C7ZBOVCbDDfiqFF1vZM+6bn3obA
    -----END PRIVATE KEY-----
    """
}
