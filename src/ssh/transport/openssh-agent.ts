// The agent that ssh is given: it holds ssh back before authentication, and signs for the identities of one log-in.
//
// Once the host has proven its key, and before it sends anything about the user, ssh asks its agent for identities. It tells
// the agent first which key that was and which session (session-bind@openssh.com, OpenSSH's PROTOCOL.agent). That is where
// it is held, and what is signed later must be for that very session.
import { createServer, type Server, type Socket } from 'node:net';
import { Framer, stringOf, uint32, WireReader } from './wire.ts';

/** A key that a user may prove itself with. */
export interface Identity {
  /** For messages: what it is, with a fingerprint. */
  readonly name: string;
  /** The public key or the certificate, as hosts know it. */
  readonly blob: Buffer;
  /** Returns the signature blob. `flags` as in SSH_AGENTC_SIGN_REQUEST: 2 for rsa-sha2-256, 4 for rsa-sha2-512. */
  readonly sign: (data: Buffer, flags: number) => Promise<Buffer>;
}

const FAILURE = 5;
const SUCCESS = 6;
const REQUEST_IDENTITIES = 11;
const IDENTITIES = 12;
const SIGN_REQUEST = 13;
const SIGNATURE = 14;
const EXTENSION = 27;
const MAX_MESSAGE = 256 * 1024; // as ssh-agent bounds it

const refusal = Buffer.of(FAILURE);

export class HoldingAgent {
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #released: Promise<readonly Identity[]>;
  #release: (identities: readonly Identity[]) => void;
  #session: Buffer | undefined;
  #onBound: (key: Buffer) => void;
  #onUnbound: () => void;
  /** Resolves with the key or certificate that the host has proven, or with nothing: this ssh does not tell (before 8.9). */
  readonly bound: Promise<Buffer | undefined>;

  private constructor() {
    this.#sockets = new Set();
    this.#release = () => {};
    this.#session = undefined;
    this.#onBound = () => {};
    this.#onUnbound = () => {};
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
    this.bound = new Promise((resolve) => {
      this.#onBound = resolve;
      this.#onUnbound = () => resolve(undefined);
    });
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Listens at `path`, in a directory that nobody else can enter. */
  static async listen(path: string): Promise<HoldingAgent> {
    const agent = new HoldingAgent();
    await new Promise<void>((resolve, reject) => {
      agent.#server.once('error', reject).listen(path, resolve);
    });
    agent.#server.unref();
    return agent;
  }

  /** Lets ssh go on, with these identities. */
  release(identities: readonly Identity[]): void {
    this.#release(identities);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    const framer = new Framer(MAX_MESSAGE);
    let turn: Promise<void> = Promise.resolve();
    socket.on('data', (chunk: Buffer) => {
      try {
        framer.push(chunk, (message) => {
          turn = turn.then(async () => {
            const answer = await this.#answer(message).catch(() => refusal);
            if (socket.writable) socket.write(stringOf(answer));
          });
        });
      } catch {
        socket.destroy();
      }
    });
  }

  async #answer(message: Buffer): Promise<Buffer> {
    const reader = new WireReader(message);
    const type = reader.byte();
    if (type === EXTENSION && reader.string().toString('latin1') === 'session-bind@openssh.com') {
      if (this.#session) return refusal;
      const key = reader.string();
      this.#session = Buffer.from(reader.string());
      this.#onBound(Buffer.from(key));
      await this.#released;
      return Buffer.of(SUCCESS);
    }
    if (!this.#session) {
      this.#onUnbound();
      return refusal;
    }
    const identities = await this.#released;
    if (type === REQUEST_IDENTITIES) {
      const list = identities.flatMap(({ blob }) => [stringOf(blob), stringOf('')]);
      return Buffer.concat([Buffer.of(IDENTITIES), uint32(identities.length), ...list]);
    }
    if (type !== SIGN_REQUEST) return refusal;
    const blob = reader.string();
    const data = reader.string();
    const identity = identities.find((each) => each.blob.equals(blob));
    // RFC 4252 section 7: what is signed begins with the session.
    if (!identity || !new WireReader(data).string().equals(this.#session)) return refusal;
    const signature = await identity.sign(Buffer.from(data), reader.uint32());
    return Buffer.concat([Buffer.of(SIGNATURE), stringOf(signature)]);
  }
}
