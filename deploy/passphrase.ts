/** The passphrase that a stack's secrets are encrypted with, tried without the engine. */
import { createDecipheriv, pbkdf2 } from "node:crypto";
import { promisify } from "node:util";

const tagBytes = 16;

/**
 * Whether it is the one that `encryptionsalt` of a stack's file was made with: as Pulumi's engine finds out, by the encrypted
 * word in it. Takes some tenths of a second, on purpose.
 * @param encryptionSalt `v1:SALT:v1:NONCE:CIPHERTEXT`, each in base64; false for anything else
 */
export async function isPassphraseOf(encryptionSalt: string, passphrase: string): Promise<boolean> {
  const [version, salt, inner, nonce, text, ...rest] = encryptionSalt.split(":");
  if (version !== "v1" || inner !== "v1" || !salt || !nonce || !text || rest.length > 0) return false;
  const key = await promisify(pbkdf2)(passphrase, Buffer.from(salt, "base64"), 1_000_000, 32, "sha256");
  const sealed = Buffer.from(text, "base64");
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"));
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    return `${decipher.update(sealed.subarray(0, -tagBytes))}${decipher.final()}` === "pulumi";
  } catch {
    return false;
  }
}
