/** Loads a classic script once; for libraries that come as no module. */
const loading = new Map();

/** Resolves when the script at `url` has run; a failed load may be tried again. */
export function loadScript(url) {
  if (!loading.has(url)) {
    const loaded = new Promise((resolve, reject) => {
      const element = document.createElement('script');
      element.src = url;
      element.addEventListener('load', () => resolve());
      element.addEventListener('error', () => {
        loading.delete(url);
        element.remove();
        reject(new Error(`cannot load ${url}`));
      });
      document.head.append(element);
    });
    loading.set(url, loaded);
  }
  return loading.get(url);
}
