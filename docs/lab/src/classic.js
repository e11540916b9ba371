// Must run before Pyodide is loaded. It refuses to work in a classic worker, because it would import its parts
// as modules; here they are bundled already, and a page that was opened from a folder can have no other worker.
self.importScripts = undefined;
