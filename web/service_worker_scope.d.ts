/** What service_worker.js uses of a service worker's global scope: TypeScript's library of it cannot stand beside the page's. */

export interface Scope {
  registration: ServiceWorkerRegistration;
  clients: {
    claim(): Promise<void>;
    matchAll(options: { type: "window"; includeUncontrolled: boolean }): Promise<Client[]>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", heard: (event: Lasting) => void): void;
  addEventListener(type: "fetch", heard: (event: Fetching) => void): void;
  addEventListener(type: "message", heard: (event: Asked) => void): void;
}

export interface Client {
  url: string;
  postMessage(message: FromServiceWorker): void;
}

/** An event during which the worker is kept alive. */
export interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}

export interface Fetching extends Lasting {
  request: Request;
  respondWith(response: Promise<Response>): void;
}

export interface Asked extends Lasting {
  data: ToServiceWorker;
  ports: readonly MessagePort[];
}

/** Of build.json: what the page consists of. */
export interface BuildRecord {
  /** Fingerprint of `files`. */
  content: string;
  files: Record<string, { bytes: number; sha256: string }>;
}

/** Each is answered through the port that comes with it. */
export type ToServiceWorker =
  /** Look after this page from now on, if it is of the same version. */
  | { type: "adopt"; content: string }
  /** Keep what is still missing too. */
  | { type: "keep_all" }
  /** Let the newer version take the place of the older one. */
  | { type: "take_over" };

export type FromServiceWorker =
  | { type: "adopted"; same: boolean }
  | { type: "kept"; files: number; missing: number }
  /** With other pages open it has not. */
  | { type: "taken_over"; others: number }
  | { type: "failed"; message: string }
  /** Sent unasked, to every page: no copy can be kept. */
  | { type: "not_kept"; name: string; message: string };
