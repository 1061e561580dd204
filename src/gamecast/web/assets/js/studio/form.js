/** The panel of choices: key, devices, picture, codec. */
import { h } from '../lib/dom.js';
import { formatBitrate } from '../lib/format.js';
import { i18n, localize, t } from '../i18n.js';
import { codecName } from '../player/codecs.js';
import { checkField, selectField, textField } from './fields.js';
import { BITRATES, RATES, SIZES, sendableCodecs, wantedPicture } from './settings.js';

export class Form {
  #settings;
  #devices = { cameras: [], microphones: [] };
  #fields;
  #onSubmit;

  /** The key as typed; in the settings it is only when it is to be remembered. */
  key;

  /** @param {import('../lib/preferences.js').Preferences} settings */
  constructor(settings, onSubmit) {
    this.#settings = settings;
    this.#onSubmit = onSubmit;
    this.key = settings.get('key');
    this.#fields = this.#build();
    this.element = this.#layout();
    i18n.on('change', () => this.#update());
    settings.on('change', () => this.#update());
    localize(this.element);
  }

  /** Devices came, went, or got their names. */
  setDevices(devices) {
    this.#devices = devices;
    this.#update();
  }

  /** Point at the key field: it is what is missing. */
  askForKey() {
    this.keyField.input.focus();
  }

  /** What decides the session itself cannot be changed on air. */
  setLocked(locked) {
    for (const control of this.element.querySelectorAll('[data-session] :is(input, select)')) {
      control.disabled = locked;
    }
  }

  #build() {
    const settings = this.#settings;
    const bind = (name, read = String) => ({
      get: () => settings.get(name),
      set: (value) => settings.set(name, read(value)),
    });
    return {
      camera: selectField('studio.camera', () => this.#cameras(), bind('camera')),
      microphone: selectField('studio.microphone', () => this.#microphones(), bind('microphone')),
      size: selectField('studio.size', sizes, bind('size', Number)),
      fps: selectField('studio.fps', rates, bind('fps', Number)),
      bitrate: selectField('studio.bitrate', () => bitrates(settings), bind('bitrate', Number)),
      codec: selectField('studio.codec', codecs, bind('codec')),
    };
  }

  #layout() {
    const { camera, microphone, size, fps, bitrate, codec } = this.#fields;
    const form = h(
      'form.studio-form',
      {},
      h('section', { 'data-session': true }, ...this.#access()),
      h('section', {}, camera.element, microphone.element),
      h(
        'section',
        {},
        h('div.field-row', {}, size.element, fps.element),
        bitrate.element,
        h('div', { 'data-session': true }, codec.element),
      ),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#onSubmit();
    });
    return form;
  }

  #access() {
    const settings = this.#settings;
    const remember = () => settings.set('key', settings.get('rememberKey') ? this.key : '');
    this.keyField = textField('studio.key', {
      type: 'password',
      get: () => this.key,
      set: (value) => {
        this.key = value.slice(0, 300);
        remember();
      },
      attributes: { autocomplete: 'off', 'aria-describedby': 'key-hint' },
    });
    const check = checkField('studio.remember', {
      get: () => settings.get('rememberKey'),
      set: (value) => {
        settings.set('rememberKey', value);
        remember();
      },
    });
    const channel = textField('studio.channel', {
      get: () => settings.get('channel'),
      set: (value) => settings.set('channel', value.slice(0, 300)),
      attributes: { autocapitalize: 'off' },
    });
    const hint = h('p.field-hint', { id: 'key-hint', 'data-i18n': 'studio.key-hint' });
    const open = h('summary', { 'data-i18n': 'studio.more' });
    const more = h('details', { open: settings.get('channel') !== '' }, open, channel.element);
    return [this.keyField.element, check.element, hint, more];
  }

  #update() {
    for (const field of Object.values(this.#fields)) field.update();
  }

  #cameras() {
    return [{ value: '', text: t('studio.default') }, ...named(this.#devices.cameras, 'studio.camera')];
  }

  #microphones() {
    return [
      { value: 'default', text: t('studio.default') },
      ...named(this.#devices.microphones, 'studio.microphone'),
      { value: 'none', text: t('studio.none') },
    ];
  }
}

/** Browsers tell names only once a device was allowed. */
function named(devices, key) {
  return devices.map(({ id, label }, index) => ({ value: id, text: label || `${t(key)} ${index + 1}` }));
}

function sizes() {
  return Object.keys(SIZES)
    .map(Number)
    .sort((a, b) => b - a)
    .map((value) => ({ value, text: `${value}p` }));
}

function rates() {
  return RATES.map((value) => ({ value, text: `${value} fps` }));
}

function bitrates(settings) {
  const suits = wantedPicture({ get: (key) => (key === 'bitrate' ? 0 : settings.get(key)) }).bitrate;
  return BITRATES.map((value) => {
    const text = formatBitrate(value || suits, i18n.locale);
    return { value, text: value === 0 ? `${t('menu.auto')} · ${text}` : text };
  });
}

function codecs() {
  return sendableCodecs().map((value) => ({
    value,
    text: value === 'auto' ? t('menu.auto') : codecName(value),
  }));
}
