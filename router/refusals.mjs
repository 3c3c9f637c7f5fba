// What the router itself says to a client: code, HTTP status and text in Indonesian (the default) and English.

import { GraphQLError } from 'graphql';

const REFUSALS = {
  BAD_REQUEST: [400, 'Permintaan tidak dapat dibaca: {detail}.', 'The request cannot be read: {detail}.'],
  UNAUTHENTICATED: [401, 'Masuk terlebih dahulu.', 'Sign in first.'],
  TOKEN_EXPIRED: [401, 'Sesi Anda telah berakhir.', 'Your access token has expired.'],
  FORBIDDEN: [403, 'Anda tidak berhak melihat bagian ini.', 'You are not allowed to see this.'],
  TENANT_MISMATCH: [403, 'Sekolah ini bukan sekolah pada token Anda.', 'This school is not the one of your token.'],
  NOT_FOUND: [404, 'Alamat ini tidak ada.', 'There is nothing at this address.'],
  METHOD_NOT_ALLOWED: [405, 'Metode ini tidak dilayani di sini.', 'This method is not served here.'],
  PAYLOAD_TOO_LARGE: [413, 'Permintaan melebihi 1 MiB.', 'The request is larger than 1 MiB.'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'Kirim application/json.', 'Send application/json.'],
  INTERNAL: [500, 'Terjadi kesalahan pada sistem.', 'Something went wrong on our side.'],
  UNAVAILABLE: [503, 'Layanan sedang tidak tersedia.', 'The service is unavailable at the moment.'],
};

/** The client's language by Accept-Language: `en` when it comes first, else `id`. */
export function languageOf(acceptLanguage) {
  return /^\s*en\b/i.test(acceptLanguage ?? '') ? 'en' : 'id';
}

/** A refusal to be thrown or answered. `data` fills the text; `extensions` go to the client beside the code. */
export class Refusal extends Error {
  constructor(code, { data = {}, extensions = {} } = {}) {
    super(code);
    this.code = code;
    this.status = REFUSALS[code][0];
    this.data = data;
    this.extensions = extensions;
  }

  text(language) {
    const template = REFUSALS[this.code][language === 'en' ? 2 : 1];
    return template.replace(/\{(\w+)\}/g, (_, name) => this.data[name]);
  }

  /** As a GraphQL error that stands for the whole request, with its HTTP status. */
  toGraphQLError(language) {
    const http = { status: this.status };
    if (this.status === 401) http.headers = { 'www-authenticate': 'Bearer error="invalid_token"' };
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
