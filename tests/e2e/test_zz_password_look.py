from tests.e2e.test_settings_pages import SLOW, shoot

def test_look(open_page, server, owner):
    for scheme, width in (("light", 1440), ("dark", 1440), ("light", 390)):
        for name, path, text in (("login", "/login", "Forgot your password?"), ("over", "/reset-password?token=x", "not valid"), ("forgot", "/forgot-password", "reset-password EMAIL")):
            page = open_page(path, scheme=scheme, width=width)
            page.get_by_text(text).first.wait_for(timeout=SLOW)
            shoot(page, f"look-{name}-{scheme}-{width}")
        for name, path, text in (("security", "/settings/sign-in-security", "Change password"), ("settings", "/settings?q=smtp", "Send a test mail"), ("members", "/settings/members", "Reset link")):
            page = open_page(path, owner, scheme=scheme, width=width)
            page.get_by_text(text).first.wait_for(timeout=SLOW)
            if name == "settings":
                page.get_by_role("button", name="Send a test mail").click()
                page.get_by_text("Set smtp_host").wait_for(timeout=SLOW)
            shoot(page, f"look-{name}-{scheme}-{width}")
            if name == "security":
                page.get_by_role("button", name="Change password").click()
                page.get_by_label("Password to have").wait_for()
                shoot(page, f"look-change-{scheme}-{width}")
