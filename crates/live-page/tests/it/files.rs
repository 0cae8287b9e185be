//! What is embedded, and what refers to it.

use std::collections::BTreeSet;
use std::path::Path;

use node0_live_page::{CONTENT_SECURITY_POLICY, Document, FOLDER, Page};

fn on_disk() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
    let entries = std::fs::read_dir(folder).expect("the folder of the page");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("an entry").file_name().into_string().expect("a name in UTF-8")
    };
    entries.map(name).collect()
}

#[test]
fn each_source_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
    let mut used: BTreeSet<String> =
        ["app.js", "icon.svg", "index.html", "style.css"].map(str::to_owned).into();
    for name in on_disk().iter().filter(|name| name.ends_with(".js")) {
        let source = std::fs::read_to_string(root.join(name)).expect("a source");
        let imports = source.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next());
        used.extend(imports.map(str::to_owned));
    }
    assert_eq!(used, on_disk());
}

#[test]
fn the_document_refers_to_files_that_exist_by_relative_addresses() {
    let page = Page::shared();
    let document = page.document(&Document { root: "../", ..Document::default() });
    let folder = format!("../{FOLDER}/{}/", page.version());
    let mut files = 0;
    for part in document.split(['"', '\'']).filter(|part| part.contains(FOLDER)) {
        let name = part.strip_prefix(&folder).unwrap_or_else(|| panic!("{part}"));
        assert!(page.file(name).is_some(), "{name}");
        files += 1;
    }
    assert_eq!(files, page.files().len(), "each of them");
    assert!(!document.contains("{{"), "every placeholder is filled in");
}

#[test]
fn nothing_comes_from_elsewhere_and_no_text_becomes_code() {
    assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
    assert!(!CONTENT_SECURITY_POLICY.contains("http"));
    for file in Page::shared().files() {
        let text = std::str::from_utf8(file.body).expect("UTF-8");
        let text = text.replace("http://www.w3.org/2000/svg", "");
        for banned in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "http://", "https://"]
        {
            assert!(!text.contains(banned), "{} has {banned}", file.name);
        }
    }
}

#[test]
fn a_title_cannot_leave_its_place() {
    let title = "<script>alert(1)</script> \"' {{root}} &";
    let document = Page::shared().document(&Document { title, ..Document::default() });
    assert!(!document.contains("<script>alert"));
    assert!(
        document
            .contains("&lt;script&gt;alert(1)&lt;/script&gt; &quot;&#39; &#123;&#123;root}} &amp;")
    );
}

#[test]
fn scripts_and_style_are_small() {
    let files = Page::shared().files().iter().filter(|file| !file.name.ends_with(".svg"));
    let bytes: usize = files.map(|file| file.gzip.len()).sum();
    assert!(bytes <= 25_000, "{bytes} bytes, compressed");
}

#[test]
fn the_compressed_form_is_the_file() {
    use std::io::Read as _;
    for file in Page::shared().files() {
        let mut body = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(file.gzip);
        decoder.read_to_end(&mut body).expect("gzip");
        assert_eq!(body, file.body, "{}", file.name);
    }
}
