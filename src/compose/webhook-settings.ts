import { type DataDirectory, flagOf, type Settings } from '../platform/config/index.ts';
import { fernetBox, keyFromFile, type SecretBox } from '../platform/secrets/index.ts';

/**
 * How deliveries to webhooks are made. The key of their secrets is read, and a missing key file written, when the
 * first secret is. Throws `config_invalid` for a key in the settings that is none.
 */
export function webhookSettingsOf(settings: Settings, directory: DataDirectory) {
  const { webhookSecretKey, webhookTimeoutSeconds, webhookMaxRetries: maxRetries } = settings;
  const secrets =
    webhookSecretKey === undefined
      ? fileBox(directory.secretKey)
      : fernetBox(webhookSecretKey, flagOf('webhookSecretKey'));
  return { secrets, timeoutMs: webhookTimeoutSeconds * 1000, maxRetries };
}

function fileBox(path: string): SecretBox {
  const box = (): SecretBox => fernetBox(keyFromFile(path), path);
  return { seal: (secret) => box().seal(secret), open: (sealed) => box().open(sealed) };
}
