"""Everyday English: words that, when no log writes them, say nothing about which records are meant.

A word outside this list that no record bears out ("zaphod", "OutOfMemoryError") is looked for as it stands, so that
the answer can be a true zero; a word of this list ("came", "roughly") is then left out.
"""

from __future__ import annotations

EVERYDAY: frozenset[str] = frozenset("""
able about above absolutely according actual actually add added adding afternoon again against ago ahead all almost alone along
already also although altogether always among amongst amount amounts another answer any anybody anyhow anymore anyone anything
anyway anywhere apart apparently appear appeared appearing appears approximately are area around aside ask asked asking asks
available average away back bad badly basically beat became because become becomes been before began begin beginning begins begun
behind being believe below beside besides best better between beyond big bigger biggest bit both bottom break breakdown breaks
bring brings brought bunch busy but by call called calls came can cannot care careful case cases cause caused causes causing
certain certainly chance change changed changes changing check checked checks choose chosen clear clearly close closer colleague
come comes coming common commonly compare compared comparison complete completely concern concerned concerns consecutive consider
considered constantly contain contained containing contains continue continued correct could count counted counting counts couple
course curious current currently customer day days deal definitely describe described despite detail details did differ difference
different differently display displayed distinct distribution do does doing done down draw due during each earlier earliest early
easily easy either else elsewhere encounter encountered end ended ending ends engineer enough ensure entire entirely entries entry
equal especially etc evening even event events eventually ever every everybody everyone everything everywhere evolve evolved exact
exactly example examples except exist existed exists expect expected experience experienced explain extent extra extremely face
faced fact fairly far fast faster fastest favorite feel few fewer fewest figure figures final finally find finding finds fine finish
finished first fit fits five folks follow followed following follows for form former found four frequency frequent frequently from
front full fully further future gave general generally generate generated get gets getting give given gives giving glance go goes
going gone good got gotten grab great greater greatest group grouped groups guess guy guys had half hand happen happened happening
happens hard hardly has have having heard help helpful helps hence here high higher highest highly history hit hits hold holding
home hope hour hourly hours how however huge hundred idea identify identified ignore important impact impacted in inclusive indeed
indicate indicated indicates individual info information inside instance instances instead interested interesting into involve
involved involves issue issues item items its itself just keep keeps kept kind kinds knew know known knows lack lacked large
largely larger largest last lasted lasting lasts late lately later latest latter lead leading least leave leaves led left less let
lets like likely limit line lines list listed listing lists little live log logged logging logs long longer longest look looked
looking looks lose lot lots loud low lower lowest machine made main mainly major majority make makes making manage managed many
matter matters maximum may maybe me mean meaning means meant meanwhile measure measured mention mentioned mentions message messages
met middle might mind minimum minor minute minutes miss missed moment month months more morning most mostly move moved much must
name named namely names near nearby nearest nearly necessarily necessary need needed needs neither never new newest newly next nice
night nine none nor normal normally note noted nothing notice noticed now nowhere number numbers observe observed obvious
obviously occasion occasions occur occurred occurrence occurrences occurring occurs odd of off offender offenders often okay old
older oldest on once one ones only onto open opposed order ordered ordinary origin original originate originated originating other
others otherwise our out outcome outside over overall overview own owner part particular particularly parts past pattern people per
percent percentage perhaps period periods person piece pieces place places plain please plenty plot point points poor popular
possible possibly precise precisely prefer presence present presently pretty previous previously primarily print prior probably
problem problems produce produced producing program prompt proper properly proportion provide provided purpose put question
questions quick quicker quickest quickly quiet quite raise raised random range rank ranked ranking rare rarely rarest rate rates
rather ratio reach reached read ready real really reason reasons recap recent recently record recorded recording records refer
reference referring regard regarding regular regularly relate related relating relation relative relatively relevant remain
remained remains remember repeat repeatedly report reported reporting reports respect respectively responsible rest result resulted
resulting results right roughly round run runs said same sample saw say saying says scale second seconds section see seeing seek
seem seemed seems seen select selected send sense separate separately series serious seriously set sets seven several severe shall
shape share shares short shorter shortest shortly should show showed showing shown shows side sign significant significantly
similar similarly simple simply since single situation six size slightly slow slower slowest slowly small smaller smallest so
somebody somehow someone something sometimes somewhat somewhere soon sort sorted sorts sounds span specific specifically spell
spend spent split spot spotted spread start started starting starts state stated states stay stayed step still straight strange
stretch stuff subject such sudden suddenly sum summarise summarised summarize summarized summary supposed sure table tail take
taken takes taking talk talked talking tell telling tells tend ten term terms test than thank thanks that the their them themselves
then there thereafter therefore these they thing things think third this those though thought thousand three through throughout
thus time times tiny title to today together told tomorrow tonight too took top total totally touch toward towards trace track trend
tried tries trouble true truly try trying turn turned turns twelve twenty twice two type types typical typically unclear under
understand unexpected unique unless unlike unlikely until unusual unusually up upon us use used useful user uses using usual
usually value values variety various very via view viewed visible visited volume want wanted wants was watch way ways we week
weekly weeks weird well went were what whatever when whenever where whereas whether which whichever while who whoever whole whom
whose why wide will willing window wish with within without wonder wondering word words work worked working works world worry
worse worst worth would write writes writing written wrong wrote year years yes yesterday yet you young your yours yourself zero
""".split()) - frozenset("""
user customer machine info error test home send full read open close limit word program issue trace hold state severe subject table
""".split())
