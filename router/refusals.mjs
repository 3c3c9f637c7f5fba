// What the router itself says to a client: code, HTTP status and text in Indonesian (the default) and English.

import { GraphQLError } from 'graphql';

/** Code → HTTP status, text in Indonesian, text in English. Without a status it is a fault of the document, which has none of its own. */
const REFUSALS = {
  BAD_REQUEST: [400, 'Permintaan tidak dapat dibaca: {detail}.', 'The request cannot be read: {detail}.'],
  UNAUTHENTICATED: [401, 'Masuk terlebih dahulu.', 'Sign in first.'],
  TOKEN_EXPIRED: [401, 'Sesi Anda telah berakhir.', 'Your access token has expired.'],
  FORBIDDEN: [403, 'Anda tidak berhak melihat bagian ini.', 'You are not allowed to see this.'],
  TENANT_MISMATCH: [403, 'Sekolah ini bukan sekolah pada token Anda.', 'This school is not the one of your token.'],
  PERSISTED_QUERY_NOT_FOUND: [null, 'PersistedQueryNotFound', 'PersistedQueryNotFound'], // the protocol's own words
  PERSISTED_QUERY_ONLY: [
    null,
    'Hanya dokumen terdaftar yang dilayani untuk Anda.',
    'Only registered documents are served to you.',
  ],
  COST_LIMIT: [
    null,
    'Permintaan terlalu mahal: {estimated}, paling banyak {allowed}.',
    'The operation costs too much: {estimated}, at most {allowed}.',
  ],
  DEPTH_LIMIT: [null, 'Lebih dalam dari {most} tingkat.', 'The operation is deeper than {most} levels.'],
  ALIAS_LIMIT: [null, 'Lebih dari {most} alias.', 'The operation has more than {most} aliases.'],
  DIRECTIVE_LIMIT: [null, 'Lebih dari {most} direktif.', 'The operation has more than {most} directives.'],
  ROOT_FIELD_LIMIT: [null, 'Lebih dari {most} field teratas.', 'The operation has more than {most} root fields.'],
  TOKEN_LIMIT: [null, 'Dokumen lebih panjang dari {most} token.', 'The document is longer than {most} tokens.'],
  BATCH_LIMIT: [null, 'Lebih dari {most} operasi sekaligus.', 'The batch holds more than {most} operations.'],
  RATE_LIMITED: [
    429,
    'Terlalu banyak permintaan; coba lagi dalam {seconds} detik.',
    'Too many requests; try again in {seconds} seconds.',
  ],
  NOT_FOUND: [404, 'Alamat ini tidak ada.', 'There is nothing at this address.'],
  METHOD_NOT_ALLOWED: [405, 'Metode ini tidak dilayani di sini.', 'This method is not served here.'],
  PAYLOAD_TOO_LARGE: [413, 'Permintaan melebihi 1 MiB.', 'The request is larger than 1 MiB.'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'Kirim application/json.', 'Send application/json.'],
  INTERNAL: [500, 'Terjadi kesalahan pada sistem.', 'Something went wrong on our side.'],
  SLOW_CLIENT: [
    null,
    'Anda terlalu lambat menerima kabar; berlanggananlah lagi.',
    'You did not take what was told; subscribe again.',
  ],
  UNAVAILABLE: [503, 'Layanan sedang tidak tersedia.', 'The service is unavailable at the moment.'],
};

/** The client's language by Accept-Language: `en` when it comes first, else `id`. */
export function languageOf(acceptLanguage) {
  return /^\s*en\b/i.test(acceptLanguage ?? '') ? 'en' : 'id';
}

/** A refusal to be thrown or answered. `data` fills the text; `extensions` go to the client beside the code, `headers` with the answer. */
export class Refusal extends Error {
  constructor(code, { data = {}, extensions = {}, headers = {} } = {}) {
    super(code);
    this.code = code;
    this.status = REFUSALS[code][0];
    this.data = data;
    this.extensions = extensions;
    this.headers = headers;
    if (this.status === 401) this.headers = { 'www-authenticate': 'Bearer error="invalid_token"', ...headers };
  }

  text(language) {
    const template = REFUSALS[this.code][language === 'en' ? 2 : 1];
    return template.replace(/\{(\w+)\}/g, (_, name) => this.data[name]);
  }

  /** As a GraphQL error that stands for the whole request, with its HTTP status. */
  toGraphQLError(language) {
    // `spec`: the status is for application/graphql-response+json; application/json is answered with 200
    const http = this.status ? { status: this.status, headers: this.headers } : { status: 400, spec: true };
    return new GraphQLError(this.text(language), { extensions: { code: this.code, ...this.extensions, http } });
  }

  /** As a GraphQL error of one field: the rest of the answer stands. */
  toFieldError(language, path) {
    return new GraphQLError(this.text(language), { path, extensions: { code: this.code, ...this.extensions } });
  }

  /** As the JSON body of an answer outside the graph. */
  toBody(language) {
    return { errors: [{ message: this.text(language), extensions: { code: this.code, ...this.extensions } }] };
  }
}

/** A result as it goes out by another way than the gateway's own, which keeps HTTP's part of an error in its extensions. */
export function told({ data, errors, extensions }) {
  const shown = errors?.map((error) => {
    const { http, ...own } = error.extensions ?? {};
    return { message: error.message, locations: error.locations, path: error.path, extensions: own };
  });
  return { data, ...(shown && { errors: shown }), ...(extensions && { extensions }) };
}
