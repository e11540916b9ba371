// scrypt and PBKDF2, which Python has from OpenSSL, and a browser's Python has no OpenSSL.
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";

const DIGESTS = { sha1, sha256, sha512 };

/** What python/shims.py makes `hashlib` call. Lengths are in bytes. */
export const hashes = {
  scrypt: (password, salt, N, r, p, dkLen, maxmem) => scrypt(password, salt, { N, r, p, dkLen, maxmem }),
  pbkdf2: (name, password, salt, c, dkLen) => pbkdf2(DIGESTS[name], password, salt, { c, dkLen }),
};
