// Certificate: a self-signed one for 127.0.0.1 and localhost, made by openssl when the suite runs
// and kept in a folder of its own that is removed with it. No key is ever checked in.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Certificate {
  readonly #folder = mkdtempSync(join(tmpdir(), 'handfast-certificate-'));
  /** PEM, as `node:tls` takes it. */
  readonly key: Buffer;
  /** PEM; being self-signed it is its own authority. */
  readonly cert: Buffer;

  constructor(openssl: string) {
    const key = join(this.#folder, 'key.pem');
    execFileSync(
      openssl,
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
        ...['-nodes', '-days', '2', '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
        ...['-keyout', key, '-out', this.path],
      ],
      { stdio: 'pipe', timeout: 10_000 },
    );
    this.key = readFileSync(key);
    this.cert = readFileSync(this.path);
  }

  /** The file of the certificate, for peers that read it themselves. */
  get path(): string {
    return join(this.#folder, 'cert.pem');
  }

  /** The file of the private key. */
  get keyPath(): string {
    return join(this.#folder, 'key.pem');
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
