"""Before you begin: a JWT is signed, not secret."""

import base64

import jwt

KEY = "32 bytes or more that only the service knows"

token = jwt.encode({"sub": "1", "role": "member"}, KEY, algorithm="HS256")
header, payload, signature = token.split(".")
print("payload:  ", payload)
print("signature:", signature)
print("read without the key:", base64.urlsafe_b64decode(payload + "=="))
print("checked with the key:", jwt.decode(token, KEY, algorithms=["HS256"]))

admin = base64.urlsafe_b64encode(b'{"sub":"1","role":"admin"}').decode().rstrip("=")
try:
    jwt.decode(f"{header}.{admin}.{signature}", KEY, algorithms=["HS256"])
except jwt.InvalidSignatureError as error:
    print("changed, and checked:", error)
