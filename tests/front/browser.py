# SPDX-License-Identifier: GPL-3.0-or-later
"""
Chromium without a screen, driven by selenium (Debian chromium, chromium-driver, python3-selenium): what it asks for, what it
says on its console, and pictures.
"""
import json
import os
import shutil
import sys
import time
import urllib.parse

try:
    from selenium import webdriver
except ImportError:
    # Debian's package, where another Python comes first.
    sys.path.append("/usr/lib/python3/dist-packages")
    from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys  # noqa: F401, for who imports this

# There is none here, and the machine would be taken for a phone.
MOUSE = "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4"
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--disable-extensions",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--lang=en", "--force-color-profile=srgb",
           MOUSE)


def there():
    return shutil.which("chromium") and shutil.which("chromedriver")


class Browser:
    """One window. Addresses are those below base; pictures go into a folder. What is said and asked is known by logs, which cost time."""

    def __init__(self, base, pictures, logs=True):
        options = Options()
        options.binary_location = shutil.which("chromium")
        for option in OPTIONS:
            options.add_argument(option)
        if logs:
            options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.add_experimental_option("prefs", {"intl.accept_languages": "en"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.base, self.pictures, self.said, self.asked = base, pictures, [], []
        self.driver.set_script_timeout(30)
        os.makedirs(pictures, exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def size(self, width, height=950):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def open(self, path):
        self.driver.get(self.base + path)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, what, condition, seconds=30):
        """Until it gives something true, and gives that; what is replaced meanwhile is looked for again."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                value = condition()
            except (StaleElementReferenceException, IndexError):
                value = None
            if value:
                return value
            if time.monotonic() > deadline:
                self.picture("timeout")
                raise TimeoutError(f"{what}: not within {seconds} s at {self.address()}\n{self.text()[:1500]}")
            time.sleep(0.05)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.wait(selector, lambda: self.all(selector))[0]

    def click(self, selector):
        def clicked():
            found = [e for e in self.all(selector) if e.is_displayed()]
            if found:
                self.run("arguments[0].scrollIntoView({block: 'center'})", found[0])
                found[0].click()
            return found
        self.wait(f"click on {selector}", clicked)

    def text(self, selector="body"):
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def address(self):
        """The path, and the parameters as lists."""
        url = urllib.parse.urlsplit(self.driver.current_url)
        return url.path, urllib.parse.parse_qs(url.query, keep_blank_values=True)

    def key(self, *keys):
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def drag(self, selector, start, end):
        """Across an element, from one part of its width to another."""
        e = self.one(selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", e)
        wide = e.size["width"]
        ActionChains(self.driver).move_to_element_with_offset(e, int(wide * (start - 0.5)), 0).click_and_hold() \
            .move_by_offset(int(wide * (end - start) / 2), 3).move_by_offset(int(wide * (end - start) / 2), 0).release().perform()

    def hover(self, selector, part):
        e = self.one(selector)
        ActionChains(self.driver).move_to_element_with_offset(e, int(e.size["width"] * (part - 0.5)), 0).perform()

    def wheel(self, selector, notches):
        e = self.one(selector)
        self.run("""const b = arguments[0].getBoundingClientRect();
            arguments[0].dispatchEvent(new WheelEvent("wheel", {deltaY: arguments[1], bubbles: true, cancelable: true,
            clientX: b.left + b.width / 2, clientY: b.top + 20}))""", e, notches)

    def quiet(self):
        """Until nothing is loading."""
        self.wait("quiet", lambda: self.all("#main section, #main .page") and not self.all("[aria-busy]") and not self.all("section:not([hidden]) .wait"))

    def colours(self, selector="canvas"):
        """How many colours a drawing has."""
        return self.run("""const c = document.querySelector(arguments[0]);
            if (!c || !c.width || !c.height) return 0;
            const p = new Uint32Array(c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer);
            return new Set(p).size""", selector)

    def picture(self, name, whole=True):
        """Of the whole page, up to a height."""
        if whole:
            wide, high = self.run("return [innerWidth, Math.min(2600, document.documentElement.scrollHeight)]")
            self.size(wide, high)
            time.sleep(0.3)
        self.driver.save_screenshot(os.path.join(self.pictures, name + ".png"))
        if whole:
            self.size(wide)

    def listen(self):
        """Takes what it has said and asked for since."""
        self.said += [f"{e['level']} {e['message']}" for e in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
        return self.said, self.asked
