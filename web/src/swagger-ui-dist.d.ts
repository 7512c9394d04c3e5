/** The package ships no types; these are the options that this page sets. */
declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  interface Options {
    dom_id: string;
    url: string;
    /** null: no badge of an outside validator. */
    validatorUrl: string | null;
    deepLinking: boolean;
  }
  export default function SwaggerUI(options: Options): void;
}
