"""The search in names of concepts: English, Chinese, pinyin and abbreviations, over an index that lies in a folder."""
